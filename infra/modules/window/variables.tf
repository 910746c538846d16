variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "zips" {
  description = "The folder of the zips, one a function."
  type        = string
}

variable "platform" {
  description = "What all functions have in common: see the module function."
  type        = any
}

variable "environment" {
  description = "What every function is told: the table and the brokers."
  type        = map(string)
}

variable "function" {
  description = "Memory, timeout and concurrency."
  type = object({
    memory               = number
    timeout              = number
    reserved_concurrency = number
  })
}

variable "sweep" {
  description = "Memory, timeout and concurrency of sweep."
  type = object({
    memory               = number
    timeout              = number
    reserved_concurrency = number
  })
}

variable "retention_days" {
  description = "How long slabs are kept: at least as long as the topics keep records."
  type        = number
}

variable "state_statements" {
  description = "What both may do with the table."
  type        = any
}

variable "stream_statements" {
  description = "What window and sweep may do with the topics."
  type        = any
}

variable "statements" {
  description = "What else window may do."
  type        = any
  default     = []
}

variable "topics" {
  description = "The topics of the tables."
  type        = list(string)
}

variable "groups" {
  description = "The consumer group of each topic."
  type        = map(string)
}

variable "source_of" {
  description = "Where the topics are: see the module mapping."
  type        = any
}

variable "mapping" {
  description = "How records are put together to batches: see the module mapping."
  type        = any
  default     = {}
}

variable "map_topics" {
  description = "Whether Lambda itself reads the topics."
  type        = bool
  default     = true
}

variable "schedule" {
  description = "How often sweep runs, and what ticks: scheduler (EventBridge Scheduler) or rule (EventBridge)."
  type = object({
    minutes = optional(number, 1)
    by      = optional(string, "scheduler")
  })
  default = {}

  validation {
    condition     = var.schedule.minutes >= 1 && floor(var.schedule.minutes) == var.schedule.minutes
    error_message = "The schedule is in whole minutes, one or more."
  }

  validation {
    condition     = contains(["scheduler", "rule"], var.schedule.by)
    error_message = "schedule.by is scheduler or rule."
  }
}

variable "settings" {
  description = "Further environment variables."
  type        = map(string)
  default     = {}
}

variable "glue_schemas" {
  description = "Whether window may ask AWS Glue's schema registry: for tables with format = 'avro-glue'."
  type        = bool
  default     = false
}
