variable "name" {
  description = "The table's name."
  type        = string
}

variable "deletion_protection" {
  description = "Whether the table refuses to be deleted."
  type        = bool
  default     = true
}

variable "point_in_time_recovery_days" {
  description = "How many days back the table can be restored to any second; 0: not at all."
  type        = number
  default     = 35

  validation {
    condition     = var.point_in_time_recovery_days >= 0 && var.point_in_time_recovery_days <= 35
    error_message = "Expected 0 to 35 days."
  }
}

variable "kms_key_arn" {
  description = "A KMS key of yours; null: DynamoDB's own, which costs nothing."
  type        = string
  default     = null
}

variable "max_write_units" {
  description = "The most write units a second that the table takes, as a bound on the bill; null: no bound of its own. What is above is throttled, and waits."
  type        = number
  default     = null
}

variable "max_read_units" {
  description = "The most read units a second; null: no bound of its own."
  type        = number
  default     = null
}
