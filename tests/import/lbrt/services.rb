service "mail", "ops mail" do
  settings "addresses"=>"ops@example.org,oncall@example.org"
end

service "pagerduty", "pager" do
  settings "service_key"=>"pager-canary", "event_type"=>"trigger", "description"=>"shop"
end

service "slack", "ops slack" do
  settings "url"=>"https://hooks.example.org/T0/slack-canary"
end
