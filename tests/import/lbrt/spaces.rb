space "Empty" do
  # no chart
end

space "Shop" do
  chart "Requests" do
    type "stacked"
    stream do
      metric "shop.requests"
      type "counter"
      source "*"
      group_function "sum"
      summary_function "derivative"
    end
    stream do
      metric "shop.errors"
      type "counter"
      source "*"
      group_function "sum"
      summary_function "derivative"
    end
    max 100.5
    min 0.0
    label "per second"
  end

  chart "Checkout" do
    type "line"
    stream do
      metric "shop.checkout.ms"
      type "gauge"
      source "%"
      group_function "breakout"
      summary_function "average"
    end
  end
end
