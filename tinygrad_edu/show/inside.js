// The panel of the network, where there is one to show.
const network = data.network && new NetworkPanel(data.network);
byId("inside").hidden = byId("all").hidden = !network;
document.body.classList.toggle("with-network", !!network);
