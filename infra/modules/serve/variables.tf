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

variable "settings" {
  description = "Further environment variables of this function."
  type        = map(string)
  default     = {}
}

variable "state_statements" {
  description = "What it may do with the table."
  type        = any
}

variable "statements" {
  description = "What else it may do."
  type        = any
  default     = []
}

variable "in_vpc" {
  description = "Whether it runs in the VPC all the same."
  type        = bool
  default     = false
}

variable "function_url" {
  description = "Who may call it by a URL of its own: NONE, AWS_IAM, or null for no URL."
  type        = string
  default     = null
}
