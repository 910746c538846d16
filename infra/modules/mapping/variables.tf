variable "function_arn" {
  description = "The function that is called."
  type        = string
}

variable "topics" {
  description = "The topics whose records it is called with; each has a mapping of its own."
  type        = list(string)
}

variable "groups" {
  description = "The consumer group of each topic."
  type        = map(string)
}

variable "source_of" {
  description = "Where the topics are: the output source of the module topics."
  type = object({
    kind              = string
    cluster_arn       = optional(string)
    bootstrap_servers = optional(string)
    access            = list(object({ type = string, uri = string }))
    streams           = map(string)
  })
}

variable "settings" {
  description = "How records are put together to batches, and what happens to those that fail."
  type = object({
    batch_size                  = optional(number, 10000)
    batching_window_seconds     = optional(number, 1)
    filters                     = optional(list(string), [])
    starting_position           = optional(string, "TRIM_HORIZON")
    starting_position_timestamp = optional(string)
    enabled                     = optional(bool, true)
    on_failure                  = optional(string)
    maximum_retry_attempts      = optional(number, -1)
    provisioned_pollers         = optional(object({ minimum = number, maximum = number, group = optional(string) }))
  })
  default = {}

  validation {
    condition     = var.settings.batch_size >= 1 && var.settings.batch_size <= 10000
    error_message = "A batch has 1 to 10000 records."
  }

  validation {
    condition     = var.settings.batching_window_seconds >= 0 && var.settings.batching_window_seconds <= 300
    error_message = "A batch waits 0 to 300 seconds for more records."
  }

  validation {
    condition     = length(var.settings.filters) <= 5 && alltrue([for f in var.settings.filters : can(jsondecode(f))])
    error_message = "At most five filters, each a JSON pattern such as {\"value\":{\"status\":[\"paid\"]}}."
  }

  validation {
    condition     = contains(["TRIM_HORIZON", "LATEST", "AT_TIMESTAMP"], var.settings.starting_position)
    error_message = "The starting position is TRIM_HORIZON, LATEST or AT_TIMESTAMP."
  }

  validation {
    condition     = (var.settings.starting_position == "AT_TIMESTAMP") == (var.settings.starting_position_timestamp != null)
    error_message = "AT_TIMESTAMP, and it alone, goes with starting_position_timestamp (RFC 3339)."
  }

  validation {
    condition = var.settings.on_failure == null || can(regex(
      "^(arn:[a-z-]+:(sqs|sns|s3):.+|kafka://[a-zA-Z0-9._-]+)$", coalesce(var.settings.on_failure, "-"),
    ))
    error_message = "on_failure is the ARN of an SQS queue, an SNS topic or an S3 bucket, or kafka://TOPIC."
  }

  validation {
    condition     = var.settings.provisioned_pollers == null || try(var.settings.provisioned_pollers.minimum >= 1 && var.settings.provisioned_pollers.maximum >= var.settings.provisioned_pollers.minimum, false)
    error_message = "Provisioned pollers: a minimum of 1 or more, and a maximum that is no less."
  }
}
