namespace DistNet.Protocol;

/// <summary>Reasons of an attendance's end that a worker acts upon.</summary>
public static class EndReasons
{
    /// <summary>The run is over: the worker need not seek the coordinator again.</summary>
    public const string RunOver = "the run is over";
}
