# The table of docs/state.md: all state of all views.

resource "aws_dynamodb_table" "this" {
  #checkov:skip=CKV_AWS_28:point_in_time_recovery_days; 35 unless it is turned off
  #checkov:skip=CKV_AWS_119:Encrypted by DynamoDB's own key unless kms_key_arn names another
  #checkov:skip=CKV2_AWS_16:On demand there is nothing to scale
  name                        = var.name
  billing_mode                = "PAY_PER_REQUEST"
  hash_key                    = "pk"
  range_key                   = "sk"
  deletion_protection_enabled = var.deletion_protection

  attribute {
    name = "pk"
    type = "S"
  }

  attribute {
    name = "sk"
    type = "S"
  }

  ttl {
    attribute_name = "ttl"
    enabled        = true
  }

  point_in_time_recovery {
    enabled                 = var.point_in_time_recovery_days > 0
    recovery_period_in_days = var.point_in_time_recovery_days > 0 ? var.point_in_time_recovery_days : null
  }

  server_side_encryption {
    enabled     = var.kms_key_arn != null
    kms_key_arn = var.kms_key_arn
  }

  dynamic "on_demand_throughput" {
    for_each = var.max_write_units == null && var.max_read_units == null ? [] : [1]
    content {
      max_write_request_units = coalesce(var.max_write_units, -1)
      max_read_request_units  = coalesce(var.max_read_units, -1)
    }
  }
}

locals {
  read = ["dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"]
}
