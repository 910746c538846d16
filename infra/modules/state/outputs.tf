output "name" {
  description = "The table's name."
  value       = aws_dynamodb_table.this.name
}

output "arn" {
  description = "The table's ARN."
  value       = aws_dynamodb_table.this.arn
}

output "read" {
  description = "Statements for who reads: serve."
  value       = [{ sid = "ReadState", actions = local.read, resources = [aws_dynamodb_table.this.arn] }]
}

# Items are never deleted but by TTL.
output "write" {
  description = "Statements for who keeps windows: window and sweep."
  value = [{
    sid       = "KeepState"
    actions   = concat(local.read, ["dynamodb:PutItem", "dynamodb:UpdateItem"])
    resources = [aws_dynamodb_table.this.arn]
  }]
}

# Of the table's items those of requests alone, and the one that is asked for to open the connection.
output "requests" {
  description = "Statements for who remembers requests, so that one that comes again counts once: ingest."
  value = [{
    sid       = "RememberRequests"
    actions   = ["dynamodb:GetItem", "dynamodb:PutItem"]
    resources = [aws_dynamodb_table.this.arn]
    condition = { "ForAllValues:StringLike" = { "dynamodb:LeadingKeys" = ["request#*", "warm"] } }
  }]
}
