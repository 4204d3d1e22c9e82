import { readFile, writeFile, mkdir } from 'node:fs/promises';
import ort from 'onnxruntime-node';
import sharp from 'sharp';
import { loadFaceModel, avatarMeshes, renderAvatar, viewCamera, projectPoints } from '@implicit-faces/avatar';
import { loadLandmarker, IBUG68_FROM_468 } from '@implicit-faces/landmarks';
import { decodeImage, modelFiles } from '@implicit-faces/landmarks/node';
import { parseManifest } from '@implicit-faces/runtime';
import { directoryFiles } from '@implicit-faces/runtime/node';
import { invertImage } from '@implicit-faces/inversion';
const dir='/work/main/packages/face-model';
const files=directoryFiles(dir); const manifest=parseManifest(JSON.parse(await readFile(dir+'/manifest.json','utf8')));
const model=await loadFaceModel({ort,files,manifest,threads:2}); const landmarks=await loadLandmarker({ort,files:modelFiles()});
for (const photo of process.argv.slice(2)) {
  const image=await decodeImage(photo); const name=photo.split('/').pop().replace(/\..*/,'');
  const t=Date.now(); const a=await invertImage(image,{ort,model,landmarks,preset:(process.env.PRESET??'default') as any});
  console.log(name,'total',(Date.now()-t)/1000, JSON.stringify(a.inversion.seconds), 'f',a.camera.focalLengthPx.toFixed(0),'dist',a.camera.cameraFromWorld[14].toFixed(2));
  const eye=Math.hypot(a.inversion.landmarks[33*3]-a.inversion.landmarks[263*3],a.inversion.landmarks[33*3+1]-a.inversion.landmarks[263*3+1]);
  const p=projectPoints(a.camera, await model.uv.surfaceFromUv(model.uv.topology.landmarks[68],{geometry:a.geometryCode,expression:a.expressionCode}));
  let e=0; IBUG68_FROM_468.forEach((k,i)=>{e+=Math.hypot(p[3*i]-a.inversion.landmarks[3*k],p[3*i+1]-a.inversion.landmarks[3*k+1])/eye/68});
  const meshes=await avatarMeshes(model,a); const fm={...model.uv.topology.faceMask,width:512,height:512};
  const r=renderAvatar(meshes,a.camera,a.lighting,{width:image.width,height:image.height,background:image,faceMask:fm});
  const m=renderAvatar(await avatarMeshes(model,{...a,albedo:a.inversion.modelAlbedo}),a.camera,a.lighting,{width:image.width,height:image.height,background:image,faceMask:fm});
  const psnr=(x)=>{let s=0,n=0;for(let i=0;i<x.face.length;i++) if(x.face[i]) for(let c=0;c<3;c++){s+=(x.data[4*i+c]-image.data[4*i+c])**2;n++} return 10*Math.log10(65025*n/s)};
  console.log('  projectedNme',e.toFixed(4),'psnr',psnr(r).toFixed(2),'model',psnr(m).toFixed(2),'geom rms',Math.sqrt(a.geometryCode.reduce((s,v)=>s+v*v,0)/100).toFixed(2),'tex rms',Math.sqrt(a.textureCode.reduce((s,v)=>s+v*v,0)/a.textureCode.length).toFixed(2));
  console.log('  expr',[...a.expressionCode].map((v,i)=>[manifest.expressionNames[i],v]).filter(x=>x[1]>.15).map(x=>x[0]+' '+x[1].toFixed(2)).join(', '), 'L0', [...a.lighting.slice(0,3)].map(v=>v.toFixed(2)).join(' '));
  const S=400, tiles=[];
  const b=a.inversion.box; const side=Math.round(Math.max(b.right-b.left||b.width,b.bottom-b.top||b.height)*1.5); 
  const cx=(b.left??b.x)+((b.right-b.left)||b.width)/2, cy=(b.top??b.y)+((b.bottom-b.top)||b.height)/2;
  const cut=async(d)=>{const x0=Math.max(0,Math.round(cx-side/2)),y0=Math.max(0,Math.round(cy-side/2));const w=Math.min(side,image.width-x0),h=Math.min(side,image.height-y0);return sharp(Buffer.from(d.buffer,d.byteOffset,d.length),{raw:{width:image.width,height:image.height,channels:4}}).extract({left:x0,top:y0,width:w,height:h}).resize(S,S,{fit:'contain'}).removeAlpha().toBuffer()};
  tiles.push(await cut(image.data),await cut(r.data),await cut(m.data));
  for (const yaw of [-30,0,30]) { const v=renderAvatar(meshes,viewCamera(yaw),a.lighting,{width:512,height:512,background:[128,128,128]}); tiles.push(await sharp(Buffer.from(v.data.buffer),{raw:{width:512,height:512,channels:4}}).removeAlpha().resize(S,S).toBuffer()); }
  for (const yaw of [0,30]) { const v=renderAvatar(meshes,viewCamera(yaw),a.lighting,{width:512,height:512,background:[128,128,128],clay:true}); tiles.push(await sharp(Buffer.from(v.data.buffer),{raw:{width:512,height:512,channels:4}}).removeAlpha().resize(S,S).toBuffer()); }
  await sharp({create:{width:S*4,height:S*2,channels:3,background:'white'}}).composite(tiles.map((t,i)=>({input:t,raw:{width:S,height:S,channels:3},left:(i%4)*S,top:Math.floor(i/4)*S}))).jpeg().toFile(`/work/cache/out/${name}.jpg`);
  await sharp(Buffer.from(a.albedo.data.buffer),{raw:{width:a.albedo.width,height:a.albedo.height,channels:4}}).removeAlpha().jpeg().toFile(`/work/cache/out/${name}-tex.jpg`);
}
