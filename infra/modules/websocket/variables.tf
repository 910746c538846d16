variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "function" {
  description = "The function ingest: name and invoke ARN."
  type        = object({ name = string, invoke_arn = string })
}

variable "stage" {
  description = "The last part of the URL's path."
  type        = string
  default     = "ws"
}

variable "throttling" {
  description = "Messages a second, and at once, that the API takes from all callers together."
  type = object({
    rate  = optional(number, 1000)
    burst = optional(number, 2000)
  })
  default = {}
}

variable "authorizer" {
  description = "A Lambda authorizer that is asked at $connect; null: none (the function's API keys, if set)."
  type = object({
    function_name    = string
    invoke_arn       = string
    identity_sources = optional(list(string), ["route.request.header.Authorization"])
  })
  default = null
}
