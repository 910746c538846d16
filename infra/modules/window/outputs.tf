output "window" {
  description = "The function window: see the outputs of the module function."
  value       = module.window
}

output "sweep" {
  description = "The function sweep."
  value       = module.sweep
}

output "mappings" {
  description = "The event-source mapping of each topic."
  value       = module.mapping.uuids
}
