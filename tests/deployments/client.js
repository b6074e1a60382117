// An app on the package's client: the first API has the endpoints, the others get the token too.
import { createClient } from "./tokenauth.js";

const [first, ...others] = new URLSearchParams(location.search).get("api").split(" ");
window.client = createClient({ baseUrl: `${first}/auth/`, apiOrigins: others });
