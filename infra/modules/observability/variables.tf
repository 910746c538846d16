variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "functions" {
  description = "The functions by role (ingest, window, ...): name and timeout."
  type        = map(object({ name = string, timeout = number }))
}

variable "table" {
  description = "The DynamoDB table."
  type        = string
}

variable "api_id" {
  description = "The HTTP API; null: none."
  type        = string
  default     = null
}

variable "has_api" {
  description = "Whether there is an HTTP API (api_id is known after it is made only)."
  type        = bool
  default     = false
}

variable "kinesis" {
  description = "Whether the topics are Kinesis streams: what is behind is told by its age then, not by records."
  type        = bool
}

variable "failure_queues" {
  description = "Names of SQS queues that batches are sent to that failed for good."
  type        = set(string)
  default     = []
}

variable "actions" {
  description = "What alarms call: ARNs of SNS topics, and the like."
  type        = list(string)
  default     = []
}

variable "email" {
  description = "An address that is written to; null: none. It has to confirm."
  type        = string
  default     = null
}

variable "thresholds" {
  description = "From when on an alarm is raised; what each means is in docs/operations.md."
  type = object({
    offset_lag          = optional(number, 100000)
    iterator_age_ms     = optional(number, 300000)
    watermark_seconds   = optional(number, 300)
    dead_letters        = optional(number, 1)
    late                = optional(number, 1000)
    api_errors          = optional(number, 5)
    sweep_silent_minute = optional(number, 10)
  })
  default = {}
}

variable "kms_key_arn" {
  description = "A KMS key for the SNS topic; null: the service's own."
  type        = string
  default     = null
}
