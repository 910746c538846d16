variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "functions" {
  description = "The functions ingest and serve: name and invoke ARN."
  type        = map(object({ name = string, invoke_arn = string }))
}

variable "ingest_paths" {
  description = "Which paths go to ingest; all others go to serve."
  type        = list(string)
  default     = ["/events", "/events/{proxy+}"]
}

variable "throttling" {
  description = "Requests a second, and at once, that the API takes from all callers together."
  type = object({
    rate  = optional(number, 1000)
    burst = optional(number, 2000)
  })
  default = {}

  validation {
    condition     = var.throttling.rate > 0 && var.throttling.burst > 0
    error_message = "Throttling takes a rate and a burst above 0."
  }
}

variable "authorizer" {
  description = "Who may call: none (the functions' API keys, if set), jwt, lambda or iam; and of which functions."
  type = object({
    type             = optional(string, "none")
    protects         = optional(list(string), ["ingest", "serve"])
    identity_sources = optional(list(string), ["$request.header.Authorization"])
    issuer           = optional(string)
    audience         = optional(list(string), [])
    scopes           = optional(list(string))
    function_name    = optional(string)
    invoke_arn       = optional(string)
    ttl_seconds      = optional(number, 300)
  })
  default = {}

  validation {
    condition     = contains(["none", "jwt", "lambda", "iam"], var.authorizer.type)
    error_message = "authorizer.type is none, jwt, lambda or iam."
  }

  validation {
    condition     = var.authorizer.type != "jwt" || (var.authorizer.issuer != null && length(var.authorizer.audience) > 0)
    error_message = "A JWT authorizer has an issuer and an audience."
  }

  validation {
    condition     = var.authorizer.type != "lambda" || (var.authorizer.function_name != null && var.authorizer.invoke_arn != null)
    error_message = "A Lambda authorizer has function_name and invoke_arn."
  }

  validation {
    condition     = alltrue([for f in var.authorizer.protects : contains(["ingest", "serve"], f)])
    error_message = "authorizer.protects has ingest, serve or both."
  }
}

variable "domain" {
  description = "A domain name of your own; null: that of API Gateway."
  type = object({
    name            = string
    certificate_arn = string
    zone_id         = optional(string)
  })
  default = null

  validation {
    condition     = var.domain == null || can(regex("^arn:[a-z-]+:acm:", var.domain.certificate_arn))
    error_message = "domain.certificate_arn is that of a certificate of ACM, of the same region."
  }
}

variable "cors_origins" {
  description = "Origins whose pages may call the API from a browser; none by default."
  type        = list(string)
  default     = []
}

variable "log_retention_days" {
  description = "How long access logs are kept."
  type        = number
}

variable "kms_key_arn" {
  description = "A KMS key of yours; null: the service's own."
  type        = string
  default     = null
}
