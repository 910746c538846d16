output "id" {
  description = "The API."
  value       = aws_apigatewayv2_api.this.id
}

output "url" {
  description = "Where it answers, without a slash at the end."
  value       = var.domain == null ? aws_apigatewayv2_api.this.api_endpoint : "https://${var.domain.name}"
}

output "domain_target" {
  description = "What the domain's CNAME has to point to where Route 53 does not have its zone."
  value       = one(aws_apigatewayv2_domain_name.this[*].domain_name_configuration[0].target_domain_name)
}
