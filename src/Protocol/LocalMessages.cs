using Akka.Actor;
using DistNet.Runs;

namespace DistNet.Protocol;

/// <summary>A message to an actor from its own process; never serialized.</summary>
public interface ILocalMessage : INoSerializationVerificationNeeded;

/// <summary>To the coordinator: finish the step, write a checkpoint and end.</summary>
/// <param name="Signal">Who asks.</param>
public sealed record StopRun(StopSignal Signal) : ILocalMessage;

/// <summary>To the coordinator, from its plane: the liveness stream of a worker broke, or was silent too long.</summary>
/// <param name="Incarnation">The attendance.</param>
/// <param name="Reason">Why, without a stop at the end.</param>
public sealed record AttendanceEnded(Guid Incarnation, string Reason) : ILocalMessage;

/// <summary>To the coordinator, from its plane: a worker's beat.</summary>
/// <param name="Incarnation">The attendance.</param>
/// <param name="Activity">What the worker does.</param>
public sealed record WorkerHeard(Guid Incarnation, WorkerActivity Activity) : ILocalMessage;

/// <summary>To the coordinator, from its plane: an answer that came beside the gradients that it announces.</summary>
/// <param name="Incarnation">The attendance.</param>
/// <param name="Answer">The answer.</param>
public sealed record ShardAnswered(Guid Incarnation, ShardDone Answer) : ILocalMessage;

/// <summary>To a worker: finish the shard under way or hand it back, say goodbye and stop.</summary>
/// <param name="Reason">Why, without a stop at the end.</param>
public sealed record LeaveRun(string Reason) : ILocalMessage;
