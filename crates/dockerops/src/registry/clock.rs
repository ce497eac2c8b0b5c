//! What time it is at a registry.

use dockerops_core::image::ImageRef;
use reqwest::Method;
use reqwest::header::DATE;

use super::{Registry, RegistryError};

impl Registry {
    /// The header `Date` of an answer of the registry of `image`, whatever it answers.
    pub async fn date(&self, image: &ImageRef) -> Result<Option<String>, RegistryError> {
        let path = image.tag().unwrap_or("latest");
        let answer = self
            .send(Method::HEAD, image, &format!("manifests/{path}"))
            .await?;
        let date = answer.headers().get(DATE);
        Ok(date.and_then(|date| date.to_str().ok()).map(str::to_owned))
    }
}
