variable "name" {
  description = "The environment's prefix."
  type        = string
}

variable "cidr" {
  description = "The addresses: a /16 to /24 that is nobody else's."
  type        = string
  default     = "10.42.0.0/20"

  validation {
    condition     = can(cidrsubnet(var.cidr, 4, 15)) && try(tonumber(split("/", var.cidr)[1]) >= 16 && tonumber(split("/", var.cidr)[1]) <= 24, false)
    error_message = "Expected a CIDR block from /16 to /24, such as 10.42.0.0/20."
  }
}

variable "zones" {
  description = "In how many availability zones; MSK Serverless needs two or more."
  type        = number
  default     = 3

  validation {
    condition     = var.zones >= 2 && var.zones <= 6
    error_message = "Expected 2 to 6 zones."
  }
}

variable "endpoints" {
  description = "AWS services that are reached from inside."
  type        = set(string)
}

variable "nat" {
  description = "Whether there is a way to the internet: webhooks of notify need it."
  type        = bool
  default     = false
}
