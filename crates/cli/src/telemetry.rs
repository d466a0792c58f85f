//! Traces: spans go to a collector that speaks OTLP over HTTP, masked like the log.

use crate::client;
use crate::failure::{Failure, Result};
use crate::redact::mask;
use opentelemetry::trace::TracerProvider;
use opentelemetry::{KeyValue, StringValue, Value};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{self as sdk, SdkTracer, SdkTracerProvider, SpanData};
use std::pin::Pin;
use std::time::Duration;
use tokio::runtime::Handle;
use tracing::Subscriber;
use tracing_opentelemetry::OpenTelemetryLayer;
use tracing_subscriber::registry::LookupSpan;

/// How long the spans of a process that ends may take to leave.
const FLUSH: Duration = Duration::from_millis(1500);

/// The way of spans to the collector.
pub(crate) struct Traces(SdkTracerProvider);

impl Traces {
    /// Sends spans to the collector at that address, such as `http://127.0.0.1:4318/v1/traces`. Nothing is sent yet.
    pub(crate) fn start(url: &str) -> Result<Self> {
        let http = client::plain().map_err(|error| Failure::because("No traces can be sent", error))?;
        let client = Sender { http, runtime: Handle::current() };
        let exporter =
            SpanExporter::builder().with_http().with_http_client(client).with_endpoint(url).build();
        let exporter = exporter.map_err(|error| Failure::because("No traces can be sent", error))?;
        let about = [
            KeyValue::new("service.name", "dialtone"),
            KeyValue::new("service.version", env!("CARGO_PKG_VERSION")),
        ];
        let resource = Resource::builder_empty().with_attributes(about).build();
        // Whoever calls must not decide what is seen of it.
        let provider =
            SdkTracerProvider::builder().with_resource(resource).with_sampler(sdk::Sampler::AlwaysOn);
        Ok(Self(provider.with_batch_exporter(Masked(exporter)).build()))
    }

    /// What turns spans of the program into traces.
    pub(crate) fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> OpenTelemetryLayer<S, SdkTracer> {
        tracing_opentelemetry::layer().with_tracer(self.0.tracer("dialtone")).with_location(false)
    }

    /// Sends what is left.
    pub(crate) async fn stop(self) {
        let flush = tokio::task::spawn_blocking(move || self.0.shutdown_with_timeout(FLUSH));
        if let Ok(Err(error)) = flush.await {
            tracing::warn!(%error, "the last traces were not sent");
        }
    }
}

/// Sends batches with the program's own HTTP client. The batches come from a thread without a runtime.
#[derive(Debug)]
struct Sender {
    http: client::Plain,
    runtime: Handle,
}

impl HttpClient for Sender {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> Pin<Box<dyn Future<Output = std::result::Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        let http = self.http.clone();
        let sending = self.runtime.spawn(async move {
            let response = http.execute(request.try_into()?).await?.error_for_status()?;
            let status = response.status();
            Ok::<_, HttpError>(Response::builder().status(status).body(response.bytes().await?)?)
        });
        Box::pin(async move { sending.await? })
    }
}

/// Masks what spans carry before it leaves.
#[derive(Debug)]
struct Masked(SpanExporter);

impl sdk::SpanExporter for Masked {
    async fn export(&self, mut batch: Vec<SpanData>) -> OTelSdkResult {
        batch.iter_mut().for_each(mask_span);
        self.0.export(batch).await
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

fn mask_span(span: &mut SpanData) {
    let masked = |text: &str| mask(text).into_owned();
    span.name = masked(&span.name).into();
    span.attributes.iter_mut().for_each(mask_value);
    for event in &mut span.events.events {
        event.name = masked(&event.name).into();
        event.attributes.iter_mut().for_each(mask_value);
    }
    if let opentelemetry::trace::Status::Error { description } = &mut span.status {
        *description = masked(description).into();
    }
}

fn mask_value(attribute: &mut KeyValue) {
    if let Value::String(text) = &attribute.value {
        attribute.value = Value::String(StringValue::from(mask(text.as_str()).into_owned()));
    }
}
