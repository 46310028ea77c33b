using Xunit;

[assembly: AssemblyFixture(typeof(DistNet.Cluster.Tests.UndisturbedRun))]

namespace DistNet.Cluster.Tests;

/// <summary>One run that nothing disturbs, for all tests: what all interrupted ones must come to.</summary>
public sealed class UndisturbedRun : IAsyncLifetime
{
    /// <summary>Epochs of the whole run.</summary>
    public const int Epochs = 60;

    /// <summary>Steps of the whole run: five an epoch.</summary>
    public const long Steps = 5 * Epochs;

    /// <summary>The job, and the folders of all runs of it.</summary>
    internal Workspace Workspace { get; } = new([256, 256], Epochs, everySteps: 3);

    /// <summary>The final parameters.</summary>
    public string ParametersSha256 { get; private set; } = "";

    /// <summary>The final parameters, optimizer slots and training state.</summary>
    public string StateSha256 { get; private set; } = "";

    /// <inheritdoc/>
    public async ValueTask InitializeAsync()
    {
        using DistNetProcess process = DistNetProcess.Start(Workspace.Train("undisturbed", 1));
        Assert.True(await process.Exit() == 0, process.Output);
        ParametersSha256 = Workspace.Result("undisturbed", "parameters_sha256");
        StateSha256 = Workspace.Result("undisturbed", "state_sha256");
        Assert.Equal(Steps, long.Parse(Workspace.Result("undisturbed", "steps"), System.Globalization.CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        Workspace.Dispose();
        return ValueTask.CompletedTask;
    }
}
