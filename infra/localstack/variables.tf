variable "name" {
  description = "What the names of all resources begin with."
  type        = string
  default     = "weir"
}

variable "region" {
  description = "The region that LocalStack plays."
  type        = string
  default     = "us-east-1"
}

variable "endpoint" {
  description = "Where LocalStack answers on this machine."
  type        = string
  default     = "http://127.0.0.1:4566"

  validation {
    condition     = can(regex("^https?://", var.endpoint))
    error_message = "Expected a URL: http://127.0.0.1:4566."
  }
}

variable "bootstrap_servers" {
  description = "The broker as the functions reach it: its name in the network of the containers."
  type        = string
  default     = "redpanda:9092"
}

variable "topics" {
  description = "The topics of the SQL: ../aws/topics.auto.tfvars.json has those of sql/."
  type = map(object({
    role            = string
    partitions      = optional(number, 3)
    retention_hours = optional(number, 168)
  }))
}

variable "zips" {
  description = "The folder that scripts/zips.sh filled."
  type        = string
  default     = "../../dist"
}

variable "architecture" {
  description = "That of this machine, since the functions run in its containers: arm64 or x86_64."
  type        = string
  default     = "x86_64"

  validation {
    condition     = contains(["arm64", "x86_64"], var.architecture)
    error_message = "Expected arm64 or x86_64."
  }
}

variable "settings" {
  description = "Environment variables of all functions."
  type        = map(string)
  default     = {}
}

variable "log_level" {
  description = "How much the functions log."
  type        = string
  default     = "info"
}

variable "notify_targets" {
  description = "Where alerts go; none: they are only logged."
  type        = string
  default     = ""
  sensitive   = true
}

variable "sink" {
  description = "Whether rows are written to a bucket, and to sink_targets."
  type        = bool
  default     = false
}

variable "sink_targets" {
  description = "Further targets of sink: clickhouse://weir:weir@clickhouse:8123/default."
  type        = string
  default     = ""
  sensitive   = true
}
