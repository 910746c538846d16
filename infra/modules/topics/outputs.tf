output "environment" {
  description = "What the functions are told to reach the topics."
  value       = local.environment
  sensitive   = true
}

output "statements" {
  description = "For each function, what it may do with the topics."
  value       = { for function, statements in local.statements : function => [for s in statements : s if length(s.resources) > 0] }
}

output "source" {
  description = "What an event-source mapping has to know."
  value = {
    kind              = local.kind
    cluster_arn       = local.cluster_arn
    bootstrap_servers = local.bootstrap_servers
    access            = concat(local.credentials, local.ca_access, local.network_access)
    streams           = local.kind == "kinesis" ? local.stream_arn : {}
  }
}

output "groups" {
  description = "For each function that is called by topics, the consumer group of each."
  value       = local.groups
}

output "reads" {
  description = "For each function, the topics whose records it is called with."
  value       = { for function, use in local.use : function => use.reads }
}

output "named" {
  description = "The topics of each role."
  value       = local.named
}

output "bootstrap_servers" {
  description = "The brokers."
  value       = local.bootstrap_servers
}

output "cluster_arn" {
  description = "The MSK cluster."
  value       = local.cluster_arn
}

output "create_topics" {
  description = "Commands that make the topics where AWS has no other way: for Kafka's own kafka-topics.sh, with its settings in client.properties."
  value = local.kind == "kinesis" || var.streams.create_topics ? [] : [
    for name, topic in var.topics : join(" ", compact([
      "kafka-topics.sh --create --if-not-exists --bootstrap-server ${coalesce(local.bootstrap_servers, "BROKERS")}",
      local.auth == "none" ? "" : "--command-config client.properties",
      "--topic ${name} --partitions ${topic.partitions}",
      # MSK Serverless has its own.
      local.kind == "msk_serverless" ? "" : "--replication-factor ${var.streams.replication_factor}",
      "--config retention.ms=${topic.retention_hours * 3600000}",
    ]))
  ]
}
