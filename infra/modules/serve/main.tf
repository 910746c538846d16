# The rows of views over HTTP. It speaks to DynamoDB alone, so it need not be in a VPC.

module "function" {
  source = "../function"

  name                 = "${var.name}-serve"
  description          = "Weir: the views' rows over HTTP"
  zip                  = "${var.zips}/serve.zip"
  platform             = var.platform
  in_vpc               = var.in_vpc
  environment          = merge(var.environment, var.settings)
  statements           = concat(var.state_statements, var.statements)
  memory               = var.function.memory
  timeout              = var.function.timeout
  reserved_concurrency = var.function.reserved_concurrency
  function_url         = var.function_url
}
