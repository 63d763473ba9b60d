// A request whose variables are empty cannot work: say so, and do not send it.
const env = pm.environment;
const used = (JSON.stringify(pm.request).match(/\{\{\w+\}\}/g) || []).map((name) => name.slice(2, -2));
const empty = used.filter((name) => env.has(name) && !env.get(name));
if (empty.length) {
  console.log(`Skipped: ${empty.join(", ")} is empty. The description of the folder says where it comes from.`);
  pm.execution.skipRequest();
}

// When the access token has less than a minute left, use the refresh token for a new pair.
const expiresSoon = Date.parse(env.get("access_expires_at")) < Date.now() + 60 * 1000;
const isPublic = pm.request.auth && pm.request.auth.type === "noauth";
if (expiresSoon && !isPublic && env.get("refresh_token")) {
  const refresh = {
    url: `${env.get("base_url")}/api/v1/auth/refresh`,
    method: "POST",
    header: { "Content-Type": "application/json" },
    body: { mode: "raw", raw: JSON.stringify({ refresh_token: env.get("refresh_token") }) },
  };
  pm.sendRequest(refresh, (error, response) => {
    if (!error && response.code === 200) {
      const session = response.json();
      env.set("access_token", session.access_token);
      env.set("refresh_token", session.refresh_token);
      env.set("access_expires_at", new Date(Date.now() + session.expires_in * 1000).toISOString());
    } else if (!error && response.code === 401) {
      env.set("refresh_token", "");
      console.log('Your session has ended. Send "Sign in" again.');
    }
  });
}
