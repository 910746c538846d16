output "function" {
  description = "The function: see the outputs of the module function."
  value       = module.function
}

output "mappings" {
  description = "The event-source mapping of each topic."
  value       = module.mapping.uuids
}
