variable "name" {
  description = "The function's full name, with the environment's prefix."
  type        = string
}

variable "description" {
  description = "What the function does, for whoever finds it in the console."
  type        = string
}

variable "zip" {
  description = "The zip that scripts/zips.sh built: the binary, and sql/ beside it."
  type        = string
}

variable "environment" {
  description = "Environment variables (docs/operations.md lists them)."
  type        = map(string)
}

variable "statements" {
  description = "What the function may do besides logging and tracing. Actions and resources are named one by one."
  type = list(object({
    sid       = string
    actions   = list(string)
    resources = list(string)
    condition = optional(map(map(list(string))))
  }))
  default = []

  validation {
    condition     = alltrue(flatten([for s in var.statements : [for a in s.actions : !strcontains(a, "*")]]))
    error_message = "Actions are named one by one, without *."
  }
}

variable "timeout" {
  description = "Seconds that an invocation may take."
  type        = number
}

variable "memory" {
  description = "Megabytes of memory; the share of a CPU grows with it (1769 MB is one)."
  type        = number
}

variable "platform" {
  description = "What all functions of an environment have in common."
  type = object({
    architecture       = string
    log_level          = string
    log_retention_days = number
    tracing            = bool
    kms_key_arn        = optional(string)
    vpc = optional(object({
      subnet_ids         = list(string)
      security_group_ids = list(string)
    }))
  })
}

variable "in_vpc" {
  description = "Whether the function runs in the platform's VPC, if there is one. Only what speaks to brokers has to."
  type        = bool
  default     = true
}

variable "reserved_concurrency" {
  description = "The most invocations at once, taken out of the account's pool; -1: no limit but that pool."
  type        = number
  default     = -1
}

variable "function_url" {
  description = "Who may call the function by a URL of its own: NONE (everybody), AWS_IAM, or null for no URL."
  type        = string
  default     = null

  validation {
    condition     = var.function_url == null || contains(["NONE", "AWS_IAM"], coalesce(var.function_url, "NONE"))
    error_message = "Expected NONE, AWS_IAM or null."
  }
}
