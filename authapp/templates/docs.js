const token = new URLSearchParams(location.hash.slice(1)).get("token");
if (token) {
  document.getElementById("token").textContent = token;
  document.getElementById("from-email").hidden = false;
}
SwaggerUIBundle({
  url: {{ openapi_url | tojson }},
  dom_id: "#swagger-ui",
  deepLinking: true,
  displayOperationId: true,
  filter: true,
  tryItOutEnabled: true,
  validatorUrl: null,
});
