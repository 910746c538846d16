output "uuids" {
  description = "The mapping of each topic."
  value       = { for topic, mapping in aws_lambda_event_source_mapping.this : topic => mapping.uuid }
}

output "statements" {
  description = "What the function's role may do with the on-failure destination."
  value       = local.destination
}
