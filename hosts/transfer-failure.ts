import { ExplainedError, type Explanation } from "../errors/explained-error.ts";

/**
 * Why a transfer failed: no data came (`stalled`), too little (`slow`), the connection broke or was refused
 * (`broken`), the certificate or the TLS handshake failed (`certificate`, `tls`), or a reason that a retry does not
 * change (`other`).
 */
export type TransferFault = "stalled" | "slow" | "broken" | "certificate" | "tls" | "other";

/** A transfer that failed before a complete answer arrived. */
export class TransferFailure extends ExplainedError {
  readonly fault: TransferFault;

  constructor(explanation: Explanation, fault: TransferFault) {
    super(explanation);
    this.fault = fault;
  }
}
