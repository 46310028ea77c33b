namespace DistNet.Modules;

/// <summary>Values of a node's forward pass.</summary>
[Flags]
internal enum ForwardValues
{
    /// <summary>Neither.</summary>
    None = 0,

    /// <summary>Its inputs.</summary>
    Inputs = 1,

    /// <summary>Its outputs.</summary>
    Outputs = 2,

    /// <summary>Both.</summary>
    All = Inputs | Outputs,
}
