alert "shop.bounds" do
  description nil
  #attributes "runbook_url"=>"http://example.com"
  active true
  rearm_seconds 600
  rearm_per_signal false

  condition do
    type "above"
    metric_name "shop.checkout.ms"
    source nil
    threshold 100.0
    summary_function "average"
  end

  condition do
    type "below"
    metric_name "shop.checkout.ms"
    source nil
    threshold -5.5
    summary_function "average"
  end

  # no service
end

alert "shop.checkout.slow" do
  description "Customers wait: \"\#{how long}\"?\nSee the runbook, caf\u00e9 \u{1F600}."
  attributes "runbook_url"=>"https://wiki.example.org/slow", "team"=>"web"
  active true
  rearm_seconds 1800
  rearm_per_signal true

  condition do
    type "above"
    metric_name "shop.checkout.ms"
    source "web*"
    threshold 800.0
    summary_function "max"
    duration 300
  end

  service "mail", "ops mail"
  service "slack", "ops slack"
end

alert "shop.errors" do
  description "Costs ${5} each"
  #attributes "runbook_url"=>"http://example.com"
  active false
  rearm_seconds 600
  rearm_per_signal false

  condition do
    type "above"
    metric_name "shop.errors"
    source "*"
    threshold 5.0
    summary_function "derivative"
  end

  service "pagerduty", "pager"
end

alert "shop.silent" do
  description ""
  #attributes "runbook_url"=>"http://example.com"
  active true
  rearm_seconds 600
  rearm_per_signal false

  condition do
    type "absent"
    metric_name "shop.requests"
    source nil
    duration 600
  end

  service "pagerduty", "pager"
end
