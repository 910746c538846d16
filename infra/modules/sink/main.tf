# Rows to where they are kept for long: called with the records of the result topics.

locals {
  # The bucket's part of the list; the other targets are named in full.
  bucket_target = var.bucket == null ? [] : ["s3://${var.bucket.name}/${trim(var.bucket.prefix, "/")}"]
  targets       = join(" ", concat(local.bucket_target, [var.targets]))

  write = [{
    sid       = "WriteFiles"
    actions   = ["s3:PutObject"]
    resources = var.bucket == null ? [] : ["arn:${data.aws_partition.this.partition}:s3:::${var.bucket.name}/${trim(var.bucket.prefix, "/")}/*"]
  }]
}

data "aws_partition" "this" {}

module "function" {
  source = "../function"

  name                 = "${var.name}-sink"
  description          = "Weir: rows to Parquet files and ClickHouse"
  zip                  = "${var.zips}/sink.zip"
  platform             = var.platform
  environment          = merge(var.environment, { WEIR_SINK = trimspace(local.targets) }, var.settings)
  statements           = concat(var.stream_statements, local.write, module.mapping.statements, var.statements)
  memory               = var.function.memory
  timeout              = var.function.timeout
  reserved_concurrency = var.function.reserved_concurrency
}

module "mapping" {
  source = "../mapping"

  function_arn = module.function.arn
  topics       = var.map_topics ? var.topics : []
  groups       = var.groups
  source_of    = var.source_of
  settings     = var.mapping
}
