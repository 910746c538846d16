# Who may do what with which topic: statements for the roles of the functions.

locals {
  given_out = concat(
    local.named.result, local.named.sentence, local.named.alert, local.named.late, local.named.dead_letter,
  )

  # What each function reads (by an event source), writes, and asks about.
  use = {
    ingest = { reads = [], writes = local.named.table, asks = [] }
    window = { reads = local.named.table, writes = local.given_out, asks = local.named.table }
    sweep  = { reads = [], writes = local.given_out, asks = local.named.table }
    notify = { reads = local.named.alert, writes = local.named.notify_dead_letter, asks = [] }
    sink   = { reads = concat(local.named.result, local.named.alert), writes = local.named.sink_dead_letter, asks = [] }
  }

  # arn:aws:kafka:REGION:ACCOUNT:cluster/NAME/UUID, and of its topics and groups.
  by_iam       = local.msk && local.auth == "iam"
  cluster_text = coalesce(local.cluster_arn, "none")
  topic_arn    = replace(local.cluster_text, ":cluster/", ":topic/")
  group_arn    = replace(local.cluster_text, ":cluster/", ":group/")

  kafka = { for function, use in local.use : function => !local.by_iam ? [] : [
    {
      sid       = "Connect"
      actions   = ["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"]
      resources = [local.cluster_text]
    },
    {
      sid       = "Produce"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"]
      resources = [for topic in use.writes : "${local.topic_arn}/${topic}"]
    },
    {
      sid       = "Ask"
      actions   = ["kafka-cluster:DescribeTopic"]
      resources = [for topic in use.asks : "${local.topic_arn}/${topic}"]
    },
    {
      sid       = "Consume"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"]
      resources = [for topic in use.reads : "${local.topic_arn}/${topic}"]
    },
    {
      sid       = "Group"
      actions   = ["kafka-cluster:DescribeGroup", "kafka-cluster:AlterGroup"]
      resources = [for topic in use.reads : "${local.group_arn}/${local.groups[function][topic]}"]
    },
    {
      sid       = "Settings"
      actions   = ["kafka-cluster:DescribeClusterDynamicConfiguration"]
      resources = length(use.reads) > 0 ? [local.cluster_text] : []
    },
  ] }

  # The group keeps its offsets when a mapping is made anew, so it is named and not left to Lambda.
  groups = { for function, use in local.use : function => {
    for topic in use.reads : topic => "${var.name}-${function}-${topic}"
  } }

  msk_api = { for function, use in local.use : function => !local.msk || length(use.reads) == 0 ? [] : [{
    sid       = "FindCluster"
    actions   = ["kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers"]
    resources = [local.cluster_text]
  }] }

  # The event source's own network interfaces, made in the function's name. They have no name before
  # they are made, and Describe actions know no resources.
  interfaces = { for function, use in local.use : function =>
    local.kind == "kinesis" || length(use.reads) == 0 || (local.kind == "kafka" && var.network == null) ? [] : [{
      sid = "EventSourceNetwork"
      actions = [
        "ec2:CreateNetworkInterface", "ec2:DeleteNetworkInterface", "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups", "ec2:DescribeSubnets", "ec2:DescribeVpcs",
      ]
      resources = ["*"]
    }]
  }

  # For the event source, which reads them by the function's role, and for the function's own client.
  secrets = { for function in keys(local.use) : function => [
    {
      sid       = "Secrets"
      actions   = ["secretsmanager:GetSecretValue"]
      resources = compact([var.streams.secret_arn, var.streams.ca_secret_arn])
    },
    {
      sid       = "SecretsKey"
      actions   = ["kms:Decrypt"]
      resources = compact([var.streams.secret_kms_key_arn])
    },
  ] }

  stream_arn = { for name in keys(var.topics) : name => try(
    aws_kinesis_stream.this[name].arn,
    "arn:${data.aws_partition.this.partition}:kinesis:${data.aws_region.this.region}:${data.aws_caller_identity.this.account_id}:stream/${name}",
  ) }

  kinesis = { for function, use in local.use : function => local.kind != "kinesis" ? [] : [
    {
      sid       = "Produce"
      actions   = ["kinesis:PutRecord", "kinesis:PutRecords", "kinesis:DescribeStreamSummary", "kinesis:ListShards"]
      resources = [for topic in use.writes : local.stream_arn[topic]]
    },
    {
      sid       = "Ask"
      actions   = ["kinesis:DescribeStreamSummary", "kinesis:ListShards", "kinesis:GetShardIterator", "kinesis:GetRecords"]
      resources = [for topic in use.asks : local.stream_arn[topic]]
    },
    {
      sid = "Consume"
      actions = [
        "kinesis:DescribeStream", "kinesis:DescribeStreamSummary", "kinesis:ListShards",
        "kinesis:GetShardIterator", "kinesis:GetRecords",
      ]
      resources = [for topic in use.reads : local.stream_arn[topic]]
    },
    {
      sid       = "StreamKey"
      actions   = ["kms:Decrypt", "kms:GenerateDataKey"]
      resources = compact([var.kms_key_arn])
    },
  ] }

  statements = { for function in keys(local.use) : function => concat(
    local.kafka[function], local.msk_api[function], local.interfaces[function],
    local.secrets[function], local.kinesis[function],
  ) }
}

data "aws_partition" "this" {}

data "aws_caller_identity" "this" {}
