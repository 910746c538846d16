output "function" {
  description = "The function: see the outputs of the module function."
  value       = module.function
}

output "mappings" {
  description = "The event-source mapping of each topic."
  value       = module.mapping.uuids
}

output "bucket" {
  description = "The bucket of the Parquet files."
  value       = try(var.bucket.name, null)
}
