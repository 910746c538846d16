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

variable "stream_statements" {
  description = "What it may do with the topics."
  type        = any
}

variable "statements" {
  description = "What else it may do."
  type        = any
  default     = []
}

variable "topics" {
  description = "The topics whose records it is called with."
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

variable "targets" {
  description = "Where alerts go: docs/operations.md, Alerts to people. Who can read a webhook's address may post to it."
  type        = string
  default     = ""
  sensitive   = true
}

variable "settings" {
  description = "Further environment variables."
  type        = map(string)
  default     = {}
}
