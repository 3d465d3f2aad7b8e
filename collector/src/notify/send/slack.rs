//! Incoming webhooks of Slack, and of those that understand the same: its URL is the secret.

use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};

use super::post::post;
use super::{Parcel, broken};
use crate::notify::connect::Connector;
use crate::notify::core::Attempt;
use crate::notify::message::{Message, Type};
use crate::notify::settings::text;
use crate::notify::target::Target;

pub(super) async fn send(connector: &Connector, parcel: &Parcel) -> Attempt {
    let url = parcel.secrets.url.as_ref().and_then(|url| Target::url(&text(url)).ok());
    let Some(target) = url else { return broken("it has no URL") };
    let body = Bytes::from(body(&parcel.message).to_string());
    post(connector, &target, HeaderMap::new(), body).await
}

/// Blocks, and one text for notices of the system and for those that know no blocks.
fn body(message: &Message) -> Value {
    let mark = match message.r#type {
        Type::Firing => "🔴 ",
        Type::Resolved => "🟢 ",
        Type::ChannelFailing => "🟠 ",
        Type::Test => "",
    };
    let head = format!("{mark}*{}*\n{}", escaped(&message.title()), escaped(&message.data.summary));
    let facts = message.facts();
    let field = |(name, value): &(&str, String)| json!({ "type": "mrkdwn", "text": format!("*{name}*\n{}", escaped(value)) });
    let mut blocks = vec![json!({ "type": "section", "text": { "type": "mrkdwn", "text": head } })];
    // A section has at most ten fields: no message has more facts.
    if !facts.is_empty() {
        blocks.push(
            json!({ "type": "section", "fields": facts.iter().map(field).collect::<Vec<_>>() }),
        );
    }
    let title = escaped(&message.title());
    json!({ "text": format!("{mark}{title}: {}", escaped(&message.data.summary)), "blocks": blocks })
}

/// The three characters that are more than text to Slack: a name cannot call a whole channel.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::notify::message::tests::transition;
    use crate::notify::outbox::Transition;

    #[test]
    fn names_are_text_and_nothing_else() {
        let tags = BTreeSet::from(["core".to_owned()]);
        let summary = "<!channel> a & b";
        let of = transition(7, &tags);
        let message = Message::of(&Transition { summary, object: ("if:1", "ether1"), ..of });
        let body = body(&message);
        assert!(!body.to_string().contains("<!"), "{body}");
        assert!(body["text"].as_str().unwrap().contains("&lt;!channel&gt; a &amp; b"));
        assert_eq!(body["blocks"][1]["fields"].as_array().unwrap().len(), 10);
    }
}
