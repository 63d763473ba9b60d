pm.test("The response has a request id", () => pm.response.to.have.header("X-Request-ID"));
if (pm.response.code >= 400) {
  pm.test("The error is a problem document (RFC 9457)", () => {
    pm.response.to.have.header("Content-Type", "application/problem+json");
    const problem = pm.response.json();
    pm.expect(problem.status).to.equal(pm.response.code);
    pm.expect(problem.detail).to.be.a("string").and.not.empty;
    pm.expect(problem.request_id).to.equal(pm.response.headers.get("X-Request-ID"));
  });
} else if (pm.response.text().includes('"access_token"')) {
  pm.test("No cache may store the tokens", () => pm.response.to.have.header("Cache-Control", "no-store"));
  // Registration, sign-in and refresh answer with a session. Its tokens are saved for the next requests,
  // unless it is the session of the colleague whom you invited.
  const session = pm.response.json();
  if (session.user.email !== pm.environment.get("invited_email")) {
    pm.environment.set("access_token", session.access_token);
    pm.environment.set("refresh_token", session.refresh_token);
    pm.environment.set("access_expires_at", new Date(Date.now() + session.expires_in * 1000).toISOString());
  }
}
