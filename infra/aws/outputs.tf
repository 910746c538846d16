output "url" {
  description = "The HTTP API."
  value       = module.api.url
}

output "websocket_url" {
  description = "The WebSocket API, if there is one."
  value       = one(module.websocket[*].url)
}

output "try" {
  description = "Commands to begin with."
  value = [
    "curl -s ${module.api.url}/health",
    "curl -s ${module.api.url}/views",
    "curl -s ${module.api.url}/events/${one(slice(concat(module.topics.named.table, ["TABLE"]), 0, 1))} -d @event.json",
  ]
}

output "table" {
  description = "The DynamoDB table: weir inspect VIEW --table TABLE."
  value       = module.state.name
}

output "bootstrap_servers" {
  description = "The brokers."
  value       = module.topics.bootstrap_servers
}

output "cluster_arn" {
  description = "The MSK cluster."
  value       = module.topics.cluster_arn
}

output "topics" {
  description = "The topics of each role."
  value       = module.topics.named
}

output "create_topics" {
  description = "Commands that make the topics, where Terraform does not: run them inside the network."
  value       = module.topics.create_topics
}

output "functions" {
  description = "The functions' names."
  value = merge(
    {
      ingest = module.ingest.function.name
      window = module.window.window.name
      sweep  = module.window.sweep.name
      serve  = module.serve.function.name
    },
    { for n in module.notify : "notify" => n.function.name },
    { for s in module.sink : "sink" => s.function.name },
  )
}

output "log_groups" {
  description = "Where the functions log: aws logs tail GROUP --follow."
  value = merge(
    {
      ingest = module.ingest.function.log_group
      window = module.window.window.log_group
      sweep  = module.window.sweep.log_group
      serve  = module.serve.function.log_group
    },
    { for n in module.notify : "notify" => n.function.log_group },
    { for s in module.sink : "sink" => s.function.log_group },
  )
}

output "mappings" {
  description = "The event-source mappings of window by topic: aws lambda get-event-source-mapping --uuid UUID."
  value       = module.window.mappings
}

output "domain_target" {
  description = "What the domain's CNAME has to point to where Route 53 does not have its zone."
  value       = module.api.domain_target
}

output "dashboard_url" {
  description = "The dashboard."
  value       = one(module.observability[*].dashboard_url)
}

output "subnet_ids" {
  description = "The subnets from which the brokers are reached."
  value       = try(local.network.subnet_ids, [])
}

output "security_group_ids" {
  description = "Their security groups."
  value       = try(local.network.security_group_ids, [])
}
