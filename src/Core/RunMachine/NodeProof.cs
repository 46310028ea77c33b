using DistNet.Training;

namespace DistNet.Runs;

/// <summary>What an answer shows of one node's value. Two workers that computed the same node show the same, or one of their machines is broken.</summary>
/// <param name="Node">Which node, by any of its names.</param>
/// <param name="Metrics">Its loss and counts.</param>
/// <param name="Checksum">Training: a checksum of its gradient's bytes; 0 where none was computed.</param>
public readonly record struct NodeProof(SumNode Node, NodeMetrics Metrics, ulong Checksum);
