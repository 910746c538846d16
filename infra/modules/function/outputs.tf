output "name" {
  description = "The function's name."
  value       = aws_lambda_function.this.function_name
}

output "arn" {
  description = "The function's ARN."
  value       = aws_lambda_function.this.arn
}

output "invoke_arn" {
  description = "What API Gateway calls."
  value       = aws_lambda_function.this.invoke_arn
}

output "role" {
  description = "The role's name."
  value       = aws_iam_role.this.name
}

output "policy" {
  description = "The role's policy, as JSON."
  value       = aws_iam_role_policy.this.policy
}

output "log_group" {
  description = "The log group's name."
  value       = aws_cloudwatch_log_group.this.name
}

output "timeout" {
  description = "Seconds that an invocation may take."
  value       = aws_lambda_function.this.timeout
}

output "url" {
  description = "The function's URL, if it has one."
  value       = one(aws_lambda_function_url.this[*].function_url)
}
