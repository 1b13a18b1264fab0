SwaggerUIBundle({
  url: new URL("openapi.json", location.href).href, // next to this page, wherever the server begins
  dom_id: "#swagger",
  deepLinking: true,
  validatorUrl: null, // nothing is asked of the internet
});
