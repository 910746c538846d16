//! What is secret of a target stays so: in logs, in dead letters, in errors.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use tracing_subscriber::{EnvFilter, fmt::MakeWriter};

use super::fixture::{Reply, Server, Stand, alert, settings};

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Log {
    /// Logs what this thread does: all of ours, of the libraries what a function logs by default.
    fn record(&self) -> tracing::subscriber::DefaultGuard {
        let subscriber = tracing_subscriber::fmt()
            .with_env_filter(EnvFilter::new("info,weir=trace"))
            .with_ansi(false)
            .with_writer(self.clone());
        tracing::subscriber::set_default(subscriber.finish())
    }

    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

const ECHO: &str = "The requested URL /services/s3cret?key=t0ken was not found; passw0rd; +4915112345678";

#[tokio::test]
async fn neither_logs_nor_dead_letters_tell_a_secret() {
    let log = Log::default();
    let _recording = log.record();
    let server = Server::start([Reply::Say(404, ECHO)]).await;
    let url = server.url().replace("http://", "http://me:passw0rd@");
    let settings = settings(&format!("{url}/services/s3cret?key=t0ken"));
    let shown = format!("{settings:?}");
    let stand = Stand::new(settings).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letters = format!("{:?}", stand.take_letters());
    assert_eq!(server.asked()[0].path, "/services/s3cret?key=t0ken");
    assert!(log.text().contains("failed to deliver an alert"), "{}", log.text());
    for text in [log.text(), letters, shown] {
        for secret in ["s3cret", "t0ken", "passw0rd"] {
            assert!(!text.contains(secret), "{secret} stands in {text}");
        }
    }
}

#[tokio::test]
async fn a_phone_number_is_not_told() {
    let log = Log::default();
    let _recording = log.record();
    let server = Server::start([Reply::Say(
        400,
        "<ErrorResponse><Error><Code>InvalidParameter</Code><Message>PhoneNumber Reason: +4915112345678 is not \
         valid</Message></Error></ErrorResponse>",
    )])
    .await;
    let stand = Stand::on_aws("sms:+4915112345678", &server).await;
    stand.notify(&[alert("a1", "LOW")]).await;
    let letters = stand.take_letters();
    assert!(format!("{letters:?}").contains("PhoneNumber Reason: +… is not valid"), "{letters:?}");
    for text in [log.text(), format!("{letters:?}")] {
        assert!(!text.contains("491511234567"), "{text}");
    }
}
