# What sending failed batches away takes. The event source does it in the function's name.

locals {
  target  = coalesce(var.settings.on_failure, "none")
  service = startswith(local.target, "arn:") ? split(":", local.target)[2] : split(":", local.target)[0]

  # Of a cluster that knows IAM. With other ways to authenticate the cluster itself says who may write.
  letter_topic = replace(
    "${coalesce(var.source_of.cluster_arn, "none")}/${trimprefix(local.target, "kafka://")}", ":cluster/", ":topic/",
  )

  destination = {
    sqs  = [{ sid = "OnFailure", actions = ["sqs:SendMessage"], resources = [local.target] }]
    sns  = [{ sid = "OnFailure", actions = ["sns:Publish"], resources = [local.target] }]
    none = []
    kafka = !local.managed ? [] : [{
      sid       = "OnFailure"
      actions   = ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"]
      resources = [local.letter_topic]
    }]
    s3 = [
      { sid = "OnFailure", actions = ["s3:PutObject"], resources = ["${local.target}/*"] },
      { sid = "OnFailureBucket", actions = ["s3:ListBucket"], resources = [local.target] },
    ]
  }[local.service]
}
