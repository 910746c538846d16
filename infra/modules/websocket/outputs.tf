output "url" {
  description = "Where it is connected to: wss://..."
  value       = aws_apigatewayv2_stage.this.invoke_url
}

output "id" {
  description = "The API."
  value       = aws_apigatewayv2_api.this.id
}
