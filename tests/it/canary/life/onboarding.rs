//! A site that is searched, a table of devices, and a screen on the wall.

use super::*;

impl Life {
    /// The communities of profiles go to what a scan finds; those of a table to the devices of its rows,
    /// and from a row that is wrong nowhere.
    pub(super) async fn onboarding(&mut self) {
        let path = format!("/api/v1/agents?tenant={}", self.tenant);
        let agent = self.admin("GET", &path, Value::Null).await.data()[0]["id"].clone();
        let path = format!("/api/v1/agents/{}/scans", agent.as_str().unwrap());
        let body = json!({ "ranges": ["127.0.0.1"], "port": self._routers[2].address.port() });
        let scan = self.admin("POST", &path, body).await.data();
        let path = format!("/api/v1/scans/{}", scan["id"].as_str().unwrap());
        eventually(LIMIT, "the scan is done", async || {
            self.admin.get(&path).await.data()["state"] == "done"
        })
        .await;
        self.it.read(&self.admin.clone(), &path).await.data();
        let [imported, misplaced] =
            ["imported community", "community of a broken row"].map(|what| {
                let community = text(what);
                self.plant(what, community.clone(), &[]);
                format!("\"{}\"", community.replace('"', "\"\""))
            });
        // Of two rows the cells are too many: a community comes to stand under `name`, or under nothing.
        let csv = format!(
            "address,site,community,name\n192.0.2.7,Depot,{imported},imported\n\
             192.0.2.8,Depot, North,{misplaced},broken\n192.0.2.9,Depot,x,y,{misplaced}\n\
             {misplaced},Depot,{misplaced},no address\n"
        );
        for dry_run in [true, false] {
            let body = json!({ "tenant": self.tenant, "agent": agent, "csv": csv,
                               "dry_run": dry_run });
            let told = self.admin("POST", "/api/v1/devices/import", body).await;
            assert_eq!(told.status, 200, "{}", told.text());
            let told = told.data();
            assert_eq!((&told["create"], &told["errors"]), (&json!(1), &json!(3)), "{told}");
            let path = format!("/api/v1/devices?tenant={}", self.tenant);
            let devices = self.it.read(&self.admin.clone(), &path).await.data();
            let is_made =
                devices.as_array().unwrap().iter().any(|device| device["name"] == "imported");
            assert_eq!(is_made, !dry_run, "{devices}");
        }
        self.screen().await;
    }

    async fn screen(&mut self) {
        let body =
            json!({ "name": "Hall", "tenants": [self.tenant], "views": [{ "kind": "now" }] });
        let made = self.admin("POST", "/api/v1/screens", body).await.data();
        let token = made["token"].as_str().unwrap().to_owned();
        // A screen that stands for years keeps its cookie by each visit.
        let homes = &["POST /api/v1/screens", "POST /api/v1/wall", "GET /api/v1/wall"];
        self.plant("token of a screen", token.clone(), homes);
        let nobody = self.it.nobody();
        let body = Some(json!({ "token": token }));
        let opened = self.it.call(&nobody, "POST", "/api/v1/wall", body).await;
        let cookie = opened.headers[http::header::SET_COOKIE].to_str().unwrap();
        let pair = cookie.split(';').next().unwrap().to_owned();
        let screen = Client::with_screen(nobody.address, &pair);
        for path in ["/api/v1/wall", "/api/v1/devices", "/api/v1/alerts"] {
            assert_eq!(self.it.call(&screen, "GET", path, None).await.status, 200, "{path}");
        }
        self.it.events(&screen).await;
        let wrong = plain("fws_mistyped");
        self.plant("mistyped token of a screen", wrong.clone(), &[]);
        let body = Some(json!({ "token": wrong }));
        assert_eq!(self.it.call(&nobody, "POST", "/api/v1/wall", body).await.status, 401);
    }
}
