//! A thin fetch client: typed answers, the server's own error text, the key header, abort.

import { baseUrl } from "../boot";
import { keyWanted, readKey } from "./auth";
import { parseJson } from "./json";

/** What the server said when it refused, in its own words. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly requestId: string | null;
  /** Where in the filter text the problem is, when it is one of the filter. */
  readonly position: { start: number; end: number } | null;
  /** Which member of what was sent is wrong, as a JSON pointer. */
  readonly pointer: string | null;

  constructor(
    status: number,
    code: string,
    message: string,
    requestId: string | null,
    position: ApiError["position"],
    pointer: string | null = null,
  ) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.code = code;
    this.requestId = requestId;
    this.position = position;
    this.pointer = pointer;
  }
}

type QueryValue = string | number | boolean | null | undefined;

export interface RequestOptions {
  /** `undefined`, `null` and `""` are left out; a list is repeated. */
  query?: object;
  /** Sent as JSON; a `FormData` as it is. */
  body?: unknown;
  signal?: AbortSignal;
}

/** Where an API lives below the base path. */
const OURS = "api/clearspan/v1";

/** Address of a route of our own API. */
export const apiUrl = (path: string, query?: object): URL => urlOf(OURS, path, query);

function urlOf(root: string, path: string, query: object = {}): URL {
  const url = baseUrl(`${root}${path}`);
  for (const [name, value] of Object.entries(query) as [string, QueryValue | QueryValue[]][])
    for (const item of Array.isArray(value) ? value : [value])
      if (item !== undefined && item !== null && item !== "") url.searchParams.append(name, String(item));
  return url;
}

export function authHeaders(): Record<string, string> {
  const key = readKey();
  return key ? { "x-api-key": key } : {};
}

type Ask = <T>(path: string, options?: RequestOptions) => Promise<T>;

/** Methods of the routes below `root`. */
export function clientOf(root: string): Record<"get" | "post" | "put" | "patch" | "remove", Ask> {
  const method =
    (name: string): Ask =>
    (path, options) =>
      request(name, urlOf(root, path, options?.query), options);
  return {
    get: method("GET"),
    post: method("POST"),
    put: method("PUT"),
    patch: method("PATCH"),
    remove: method("DELETE"),
  };
}

const ours = clientOf(OURS);
export const { get, post, put } = ours;
/** DELETE. */
export const remove = <T = void>(path: string, options?: RequestOptions): Promise<T> => ours.remove(path, options);

/** What a route answers as a file. */
export const download = async (
  path: string,
  options: RequestOptions = {},
  method = "GET",
  root = OURS,
): Promise<Blob> => (await send(method, urlOf(root, path, options.query), options)).blob();

async function request<T>(method: string, url: URL, options?: RequestOptions): Promise<T> {
  const text = await (await send(method, url, options)).text();
  return (text === "" ? undefined : parseJson(text)) as T;
}

/** Throws what the server refuses. */
async function send(method: string, url: URL, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { accept: "application/json", ...authHeaders() };
  const { body } = options;
  const isForm = body instanceof FormData;
  if (body !== undefined && !isForm) headers["content-type"] = "application/json";
  const response = await fetch(url, {
    method,
    headers,
    body: body === undefined || isForm ? body : JSON.stringify(body),
    signal: options.signal,
  }).catch((cause: unknown) => {
    if (cause instanceof DOMException && cause.name === "AbortError") throw cause;
    throw new ApiError(0, "unreachable", "The server does not answer. Is it running?", null, null);
  });
  if (!response.ok) throw errorOf(response, await response.text());
  return response;
}

/** Our own routes say `{error}`, LangSmith's `{detail}`. */
interface Refusal {
  error?: {
    code?: string;
    message?: string;
    request_id?: string;
    position?: ApiError["position"];
    pointer?: string | null;
  };
  detail?: string | { msg?: string }[];
}

function errorOf(response: Response, text: string): ApiError {
  if (response.status === 401) keyWanted.set(true);
  const refusal = readRefusal(text);
  const { error, detail } = refusal;
  const told = error?.message ?? (typeof detail === "string" ? detail : detail?.map((item) => item.msg).join("; "));
  return new ApiError(
    response.status,
    error?.code ?? "error",
    told ?? `The server answered ${response.status} ${response.statusText}.`,
    error?.request_id ?? response.headers.get("x-request-id"),
    error?.position ?? null,
    error?.pointer ?? null,
  );
}

function readRefusal(text: string): Refusal {
  try {
    return (JSON.parse(text) as Refusal | null) ?? {};
  } catch {
    return {};
  }
}

/** The server could not read the filter text: said once, beside the filter. */
export const isBadFilter = (error: unknown): error is ApiError =>
  error instanceof ApiError && error.code === "invalid_filter";

/** What the address names is not there: nothing has this id, or it is no id at all. */
export const isAbsent = (error: unknown): error is ApiError =>
  error instanceof ApiError && [400, 404, 422].includes(error.status);

/** A sentence for any thrown value. */
export const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : "Something failed that should not have. Reload the page to try again.";
