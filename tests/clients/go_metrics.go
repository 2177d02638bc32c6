// Drives a server with the unmodified Librato reporter of rcrowley/go-metrics: every type of metric of that library, as its
// Run would send it, and what the server then has.
//
// Run by tests/witnesses/conformance.rs, which says where the server is (CONFORMANCE_HOST, LIBRATO_USER, LIBRATO_TOKEN).
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"os"
	"time"

	"github.com/rcrowley/go-metrics"
	"github.com/rcrowley/go-metrics/librato"
)

var host, user, token = os.Getenv("CONFORMANCE_HOST"), os.Getenv("LIBRATO_USER"), os.Getenv("LIBRATO_TOKEN")

// The address is a constant of the library; all that goes elsewhere is the connection.
type elsewhere struct{}

func (elsewhere) RoundTrip(request *http.Request) (*http.Response, error) {
	request = request.Clone(request.Context())
	request.URL.Scheme, request.URL.Host, request.Host = "http", host, ""
	return http.DefaultTransport.RoundTrip(request)
}

func get(path string) map[string]interface{} {
	request, err := http.NewRequest("GET", "http://"+host+path, nil)
	if err != nil {
		log.Fatal(err)
	}
	request.SetBasicAuth(user, token)
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		log.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != 200 {
		log.Fatalf("%s: %s", path, response.Status)
	}
	var read map[string]interface{}
	if err := json.NewDecoder(response.Body).Decode(&read); err != nil {
		log.Fatalf("%s: %s", path, err)
	}
	return read
}

var passed int

func expect(what string, got, wanted interface{}) {
	if fmt.Sprint(got) != fmt.Sprint(wanted) {
		log.Fatalf("%s: got %v, wanted %v", what, got, wanted)
	}
	passed++
}

// The one measurement of a metric from the source web-1.
func measured(name string) map[string]interface{} {
	read := get("/v1/metrics/" + name + "?count=1&resolution=1&source=web-1")
	return read["measurements"].(map[string]interface{})["web-1"].([]interface{})[0].(map[string]interface{})
}

func main() {
	http.DefaultClient.Transport = elsewhere{}
	registry := metrics.NewRegistry()
	metrics.NewRegisteredCounter("jobs", registry).Inc(47)
	metrics.NewRegisteredGauge("depth", registry).Update(9)
	metrics.NewRegisteredGaugeFloat64("load", registry).Update(0.75)
	metrics.NewRegisteredMeter("hits", registry).Mark(12)
	histogram := metrics.NewRegisteredHistogram("size", registry, metrics.NewUniformSample(100))
	timer := metrics.NewRegisteredTimer("took", registry)
	for _, value := range []int64{10, 20, 30} {
		histogram.Update(value)
		timer.Update(time.Duration(value) * time.Millisecond)
	}
	reporter := librato.NewReporter(registry, 10*time.Second, user, token, "web-1", []float64{0.5, 0.95}, time.Millisecond)
	batch, err := reporter.BuildRequest(time.Now(), registry)
	if err != nil {
		log.Fatal(err)
	}
	client := &librato.LibratoClient{Email: user, Token: token}
	if err := client.PostMetrics(batch); err != nil {
		log.Fatal(err)
	}

	jobs := get("/v1/metrics/jobs.count")
	expect("type of a counter", jobs["type"], "counter")
	expect("period", jobs["period"], 10)
	expect("attributes", jobs["attributes"].(map[string]interface{})["display_units_short"], "ops")
	expect("counter", measured("jobs.count")["value"], 47)
	expect("gauge", measured("depth")["value"], 9)
	expect("gauge of a float", measured("load")["value"], 0.75)
	expect("meter", measured("hits")["value"], 12)
	expect("type of a meter's rate", get("/v1/metrics/hits.1min")["type"], "gauge")
	sizes := measured("size.hist")
	expect("count", sizes["count"], 3)
	expect("sum", sizes["sum"], 60)
	expect("least and greatest", fmt.Sprint(sizes["min"], sizes["max"]), "10 30")
	expect("percentile", measured("size.hist.0.50")["value"], 20)
	expect("timer", measured("took")["value"], 3)
	expect("timer's mean", measured("took.timer.mean")["sum"], 6e+07)
	attributes := get("/v1/metrics/took.timer.mean")["attributes"].(map[string]interface{})
	expect("transform", attributes["display_transform"], "x/1000000")

	// A token that is not known must come back as the error that Run logs.
	stranger := &librato.LibratoClient{Email: user, Token: "wrong"}
	if err := stranger.PostMetrics(batch); err != nil {
		passed++
	} else {
		log.Fatal("an unknown token is no error")
	}
	fmt.Println("passed", passed)
}
