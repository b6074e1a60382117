// axios over the browser's client of tokenauth.

import axios from "axios";

/**
 * An axios whose requests the client sends: with the access token, renewed when it must be.
 *
 * @param {ReturnType<typeof import("…/tokenauth.js").createClient>} client
 * @param {import("axios").CreateAxiosDefaults} [config] Of axios, for example `baseURL`.
 * @returns {import("axios").AxiosInstance}
 */
export function createApi(client, config = {}) {
  // Without Request, axios hands the body over as it is, and a refused request can be repeated.
  return axios.create({ ...config, adapter: "fetch", env: { fetch: client.fetch, Request: null } });
}
