//! Alerts in Slack's format.

use super::fixture::{Reply, Server, Stand, alert, settings};

const ALERT: &str = r#"{"id":"9f3a01","view":"order_anomaly_alerts","severity":"CRITICAL","rule":"high_value_order",
  "user_id":"u<1>","order_id":"o-77","metric_name":"total_amount","metric_value":6000000.0,"threshold":1000000.0,
  "detected_at":1700000000123,"details":"Order o-77 of u<1> & co: *6 000 000*",
  "window_start":1700000000000,"window_end":1700000010000,"revision":0}"#;

#[tokio::test]
async fn slack_gets_a_message_in_its_format() {
    let server = Server::start([]).await;
    let stand = Stand::new(settings(&format!("slack+{}/services/x", server.url()))).await;
    assert_eq!(stand.notify(&[ALERT]).await.sent, 1);
    let asked = &server.asked()[0];
    assert_eq!((asked.path.as_str(), asked.header("content-type")), ("/services/x", "application/json"));
    insta::assert_snapshot!(serde_json::to_string_pretty(&asked.json()).unwrap(), @r##"
    {
      "text": "🔴 *CRITICAL* high_value_order",
      "attachments": [
        {
          "color": "#d7263d",
          "fallback": "CRITICAL high_value_order",
          "blocks": [
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "Order o-77 of u&lt;1&gt; &amp; co: *6 000 000*",
                "verbatim": true
              }
            },
            {
              "type": "section",
              "fields": [
                {
                  "type": "mrkdwn",
                  "text": "*total_amount*\n6000000 (threshold 1000000)",
                  "verbatim": true
                },
                {
                  "type": "mrkdwn",
                  "text": "*user_id*\nu&lt;1&gt;",
                  "verbatim": true
                },
                {
                  "type": "mrkdwn",
                  "text": "*order_id*\no-77",
                  "verbatim": true
                },
                {
                  "type": "mrkdwn",
                  "text": "*window*\n2023-11-14T22:13:20.000Z to 2023-11-14T22:13:30.000Z",
                  "verbatim": true
                }
              ]
            },
            {
              "type": "context",
              "elements": [
                {
                  "type": "mrkdwn",
                  "text": "<!date^1700000000^{date_short_pretty} {time_secs}|2023-11-14T22:13:20.123Z>  |  view order_anomaly_alerts  |  id 9f3a01",
                  "verbatim": true
                }
              ]
            }
          ]
        }
      ]
    }
    "##);
}

#[tokio::test]
async fn slack_gets_one_at_a_time_and_the_pauses_that_it_asks_for() {
    let server = Server::start([Reply::Say(200, "ok"), Reply::Later("1")]).await;
    let stand = Stand::new(settings(&format!("slack+{}", server.url()))).await;
    let notified = stand.notify(&[alert("a1", "LOW"), alert("a2", "LOW"), alert("a3", "LOW")]).await;
    assert_eq!((notified.sent, notified.dead), (3, 0));
    assert_eq!(server.ids(), ["a1", "a2", "a2", "a3"]);
}
