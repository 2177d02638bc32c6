variable "pager_key" {
  default = "variable-default-canary"
}

resource "librato_service" "slack" {
  title = "ops slack"
  type  = "slack"

  settings = jsonencode({
    url = "https://hooks.example.org/T0/slack-canary"
  })
}

resource "librato_service" "mail" {
  title    = "ops mail"
  type     = "mail"
  settings = <<-EOF
    {
      "addresses": "ops@example.org,oncall@example.org"
    }
  EOF
}

# The key is known to Terraform only.
resource "librato_service" "pager" {
  title = "pager"
  type  = "pagerduty"

  settings = <<EOF
{
  "service_key": "${var.pager_key}",
  "event_type": "trigger",
  "description": "shop"
}
EOF
}

resource "librato_service" "hook" {
  count    = 2
  title    = "hook ${count.index}"
  type     = "webhook"
  settings = "{\"url\": \"https://hook-canary.example.org/${count.index}\"}"
}

resource "appoptics_notification_service" "team" {
  title    = "platform team"
  type     = "mail"
  settings = jsonencode({ addresses = "platform@example.org" })
}
