// The types, as an application in TypeScript uses them.
import { Authapp, Refused, type Claims, type Member } from "@authapp/verify";
import express from "express";

const auth = new Authapp("https://auth.example.com", { audience: "authapp", onStale: "accept", acceptFor: 30 });
const app = express();

app.get("/me", auth.express.user({ maxAge: null }), (req, res) => {
  const member: Member | undefined = req.auth;
  res.json(member?.sessionId);
});
app.get("/:organizationId", auth.express.member("developer", { maxAge: 5, onStale: "refuse" }), (req, res) => {
  res.json(req.params.organizationId);
});
app.get("/teams/:team", auth.express.member("", { permission: "models.deploy", organizationId: (req) => req.params.team }));
app.use(auth.express.user());

export async function claimsOf(token: string): Promise<Claims | number> {
  try {
    return await auth.verify(token);
  } catch (error) {
    return error instanceof Refused ? error.status : 500;
  }
}
export const stop: () => void = auth.followRevocations("sk_…");

// @ts-expect-error there is no such answer
auth.express.member("developer", { onStale: "ask" });
// @ts-expect-error null is for users
auth.express.member("developer", { maxAge: null });
// @ts-expect-error there is no such option
auth.express.user({ permission: "models.deploy" });
