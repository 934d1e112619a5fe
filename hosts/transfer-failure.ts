import { ExplainedError, type Explanation } from "../errors/explained-error.ts";

/**
 * What a transfer failed of: nothing came (`stalled`), too little (`slow`), the connection broke or was refused (`broken`), or
 * the certificate or the TLS handshake (`certificate`, `tls`), or something that is no better at the next try (`other`).
 */
export type TransferFault = "stalled" | "slow" | "broken" | "certificate" | "tls" | "other";

/** A transfer that failed on its way: no answer was had. */
export class TransferFailure extends ExplainedError {
  readonly fault: TransferFault;

  constructor(explanation: Explanation, fault: TransferFault) {
    super(explanation);
    this.fault = fault;
  }
}
