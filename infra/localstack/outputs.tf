output "ingest_url" {
  description = "Where events are sent to: POST .../events/TABLE."
  value       = module.ingest.function.url
}

output "serve_url" {
  description = "Where rows are read: GET .../VIEW/latest."
  value       = module.serve.function.url
}

output "table" {
  description = "The DynamoDB table."
  value       = module.state.name
}

output "topics" {
  description = "The topics of each role."
  value       = module.topics.named
}

output "topics_to_make" {
  description = "Each topic with its partitions and the milliseconds that its records are kept, a line each."
  value       = join("", [for name, topic in var.topics : "${name} ${topic.partitions} ${topic.retention_hours * 3600000}\n"])
}

output "functions" {
  description = "The functions that weir poll calls, and with which topics."
  value = merge(
    { (module.window.window.name) = module.topics.reads["window"], (module.notify.function.name) = module.topics.reads["notify"] },
    { for s in module.sink : s.function.name => module.topics.reads["sink"] },
  )
}
