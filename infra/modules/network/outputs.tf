output "subnet_ids" {
  description = "The private subnets."
  value       = [for subnet in aws_subnet.private : subnet.id]
}

output "security_group_ids" {
  description = "The security group of functions, brokers and endpoints."
  value       = [aws_security_group.this.id]
}

output "vpc_id" {
  description = "The VPC."
  value       = aws_vpc.this.id
}
